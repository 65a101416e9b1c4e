import type { OrganizationId } from '#domain/ids';
import { RecentMap } from './recent-map.ts';

/** Changes counts the changes of each organisation. */
export class Changes {
  readonly #counts = new Map<OrganizationId, number>();

  of(organization: OrganizationId): number {
    return this.#counts.get(organization) ?? 0;
  }

  add(organization: OrganizationId): void {
    this.#counts.set(organization, this.of(organization) + 1);
  }
}

interface Answer<V> {
  readonly value: V;
  readonly organization: OrganizationId;
  /** How many changes its organisation had seen. */
  readonly changes: number;
}

/** AnswersByOrganization keeps a bounded number of answers, each for as long as its organisation does not change. */
export class AnswersByOrganization<K, V> {
  readonly #answers: RecentMap<K, Answer<V>>;
  readonly #changes: Changes;

  constructor(limit: number, changes: Changes) {
    this.#answers = new RecentMap(limit);
    this.#changes = changes;
  }

  get(key: K): V | undefined {
    const answer = this.#answers.get(key);
    if (answer === undefined) return undefined;
    if (answer.changes === this.#changes.of(answer.organization)) return answer.value;
    this.#answers.delete(key);
    return undefined;
  }

  set(key: K, organization: OrganizationId, value: V): void {
    this.#answers.set(key, { value, organization, changes: this.#changes.of(organization) });
  }

  delete(key: K): void {
    this.#answers.delete(key);
  }
}
