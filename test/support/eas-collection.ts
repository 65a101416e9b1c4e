import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';

/** A folder's items as the device holds them, and what a device should never see. */
export class EasCollection {
  syncKey = '0';
  /** ServerId to ApplicationData, with Changes merged in. */
  readonly items = new Map<string, Element>();
  /** What the server sent against the rules: an Add of an item held, a Delete or Change of one not held. */
  readonly anomalies: string[] = [];
  /** Items this device moved away: the server may or may not send their Delete. */
  private readonly movedAway = new Set<string>();

  /** Starts again from key 0: the device drops its copy. */
  reset(): void {
    this.syncKey = '0';
    this.items.clear();
    this.movedAway.clear();
  }

  moved(serverId: string): void {
    this.items.delete(serverId);
    this.movedAway.add(serverId);
  }

  /** Applies the server's Commands. */
  applyCommands(commands: Element | undefined): void {
    for (const command of commands?.children ?? []) {
      const serverId = textOf(command, AirSync.ServerId) ?? '';
      if (command.tag === AirSync.Add) this.add(serverId, dataOf(command));
      else if (command.tag === AirSync.Change) this.change(serverId, dataOf(command));
      else this.remove(serverId, command.tag);
    }
  }

  /** Takes over what the client itself sent, as far as the Responses do not refuse it. */
  applyOwn(sent: readonly Element[], responses: Element | undefined): void {
    for (const command of sent) {
      if (command.tag === AirSync.Add) this.applyOwnAdd(command, responses);
      else if (this.isRefused(command, responses)) continue;
      else if (command.tag === AirSync.Delete) this.items.delete(textOf(command, AirSync.ServerId) ?? '');
      else if (command.tag === AirSync.Change) this.applyOwnChange(command);
    }
  }

  private applyOwnAdd(command: Element, responses: Element | undefined): void {
    const clientId = textOf(command, AirSync.ClientId);
    const answers = childrenOf(responses, AirSync.Add);
    const answer = answers.find((candidate) => textOf(candidate, AirSync.ClientId) === clientId);
    const serverId = textOf(answer, AirSync.ServerId);
    if (answer === undefined) this.anomalies.push(`no response to the Add with ClientId ${clientId}`);
    if (textOf(answer, AirSync.Status) !== '1' || serverId === undefined) return;
    const changed = child(answer, AirSync.ApplicationData);
    const data = dataOf(command);
    this.items.set(serverId, changed === undefined ? data : merge(data, changed));
  }

  private applyOwnChange(command: Element): void {
    const serverId = textOf(command, AirSync.ServerId) ?? '';
    const held = this.items.get(serverId);
    if (held !== undefined) this.items.set(serverId, merge(held, dataOf(command)));
  }

  private isRefused(command: Element, responses: Element | undefined): boolean {
    const serverId = textOf(command, AirSync.ServerId);
    const answer = childrenOf(responses, command.tag).find(
      (candidate) => textOf(candidate, AirSync.ServerId) === serverId,
    );
    return answer !== undefined && textOf(answer, AirSync.Status) !== '1';
  }

  private add(serverId: string, data: Element): void {
    if (this.items.has(serverId)) this.anomalies.push(`Add of ${serverId}, which is held`);
    this.movedAway.delete(serverId);
    this.items.set(serverId, data);
  }

  private change(serverId: string, data: Element): void {
    const held = this.items.get(serverId);
    if (held === undefined) this.anomalies.push(`Change of ${serverId}, which is not held`);
    this.items.set(serverId, held === undefined ? data : merge(held, data));
  }

  private remove(serverId: string, tag: Tag): void {
    const wasHeld = this.items.delete(serverId);
    if (!wasHeld && !this.movedAway.delete(serverId)) {
      this.anomalies.push(`${tag.name} of ${serverId}, which is not held`);
    }
  }
}

function dataOf(command: Element): Element {
  return child(command, AirSync.ApplicationData) ?? el(AirSync.ApplicationData);
}

/** A Change names only the properties that changed; each replaces its namesakes. */
function merge(held: Element, changed: Element): Element {
  const named = new Set(changed.children.map((property) => property.tag));
  const kept = held.children.filter((property) => !named.has(property.tag));
  return el(held.tag, ...kept, ...changed.children);
}
