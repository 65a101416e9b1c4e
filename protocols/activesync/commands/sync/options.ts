/** The options of a collection: read, kept with its state, and what the domain makes of them. MS-ASCMD, Options. */
import { Changed } from '#domain/change';
import type { ItemClass } from '#domain/folder';
import type { PolicySettingName } from '#domain/policy-settings';
import type { SyncRules } from '#domain/sync';
import { bodyCost } from '../../classes/body.ts';
import { type BodyOptions, readBodyOptions } from '../../classes/body-options.ts';
import { legacyBodyCost } from '../../classes/legacy-email.ts';
import type { CommandContext } from '../../command.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { type Element, integerOf, textOf } from '../../wbxml/element.ts';

export interface SyncOptions extends BodyOptions {
  /** MS-ASCMD, FilterType: 0 is no filter. */
  readonly filterType: number;
  readonly serverWins: boolean;
  /** MS-ASCMD, Class (Sync): which one the options are for; undefined: the folder's own. */
  readonly itemClass?: string | undefined;
  /** Only SMS is asked for, and there is none. */
  readonly isSmsOnly?: boolean | undefined;
  /** MS-ASCMD, MaxItems: so many recipients of the recipient cache, and of nothing else. */
  readonly maxItems?: number | undefined;
}

/** What is in force when a client never sent Options. */
export const defaultOptions: SyncOptions = {
  filterType: 0,
  serverWins: true,
  preferences: [],
  mimeSupport: 0,
  mimeTruncation: undefined,
};

/** Options that a folder of this class does not know; the request answers Status 4. */
export class InvalidOptionsError extends Error {
  override readonly name = 'InvalidOptionsError';
}

const classNames: readonly string[] = ['Email', 'Calendar', 'Contacts', 'Tasks', 'Notes', 'SMS'];

/** What SMS may stand beside; the folder's own class need not be named. */
const mailClasses = new Set(['Email', '']);

/**
 * Reads the Options elements of a collection: at most two (one below 14.0, which knows no Class there), one of them for SMS,
 * which has nothing here. Undefined when there are none: those in force stay. Throws InvalidOptionsError, BodyOptionsError.
 */
export function readOptions(elements: readonly Element[], version: ProtocolVersion): SyncOptions | undefined {
  if (!isAtLeast(version, '14.0')) {
    if (elements.length > 1) throw new InvalidOptionsError('two Options');
    return elements[0] && readOptionsOf(elements[0]);
  }
  const classes = elements.map((options) => textOf(options, AirSync.Class)?.trim() ?? '');
  if (elements.length > 2 || new Set(classes).size < classes.length) {
    throw new InvalidOptionsError('two Options for one class');
  }
  if (classes.some((name) => name !== '' && !classNames.includes(name))) {
    throw new InvalidOptionsError('Options for an unknown class');
  }
  if (elements.length === 2 && !(classes.includes('SMS') && classes.some((name) => mailClasses.has(name)))) {
    throw new InvalidOptionsError('of two Options one is for mail and one for SMS');
  }
  const at = classes.findIndex((name) => name !== 'SMS');
  const options = elements[at];
  if (options === undefined) {
    return elements.length === 0 ? undefined : { ...defaultOptions, itemClass: 'Email', isSmsOnly: true };
  }
  // SMS stands beside mail and nothing else.
  const itemClass = classes[at] || (elements.length === 2 ? 'Email' : undefined);
  return { ...readOptionsOf(options), itemClass };
}

function readOptionsOf(options: Element): SyncOptions {
  const filterType = integerOf(options, AirSync.FilterType) ?? 0;
  const conflict = integerOf(options, AirSync.Conflict) ?? 1;
  if (!(filterType >= 0 && filterType <= 8) || (conflict !== 0 && conflict !== 1)) {
    throw new InvalidOptionsError('FilterType or Conflict is out of range');
  }
  const maxItems = integerOf(options, AirSync.MaxItems);
  if (maxItems !== undefined && !(maxItems >= 1)) throw new InvalidOptionsError('MaxItems is no number');
  return { filterType, serverWins: conflict === 1, maxItems, ...readBodyOptions(options) };
}

/**
 * What of options as they were read a folder of this class cannot have. MS-ASCMD, Class: another one; MaxItems: it is
 * for the recipient cache alone; FilterType: 8 is for tasks. What else a class does not know is not held against a client.
 */
export function optionsMisfit(
  folderClass: ItemClass,
  text: string,
): 'class' | 'max-items' | 'filter' | undefined {
  const { itemClass = folderClass, maxItems, filterType } = parseOptionsText(text);
  if (itemClass !== folderClass) return 'class';
  if (maxItems !== undefined) return 'max-items';
  return folderClass === 'Email' && filterType === incompleteTasks ? 'filter' : undefined;
}

/** How many recipients of the recipient cache options ask for; undefined: all. */
export function maxItemsOf(text: string): number | undefined {
  return parseOptionsText(text).maxItems;
}

/** As a text that stays with the state; equal options make equal texts. */
export function optionsText(options: SyncOptions): string {
  const { filterType, serverWins, preferences, mimeSupport, mimeTruncation, ...rest } = options;
  return JSON.stringify({ filterType, serverWins, preferences, mimeSupport, mimeTruncation, ...rest });
}

/** What `optionsText` made. */
export function parseOptionsText(text: string): SyncOptions {
  return text === '' ? defaultOptions : { ...defaultOptions, ...(JSON.parse(text) as SyncOptions) };
}

/** MS-ASCMD, FilterType, in days. */
const incompleteTasks = 8;
const filterDays = [0, 1, 3, 7, 14, 30, 90, 180, 0];

/** The settings of the policy that bound a filter (MS-ASPROV), in the same numbers as FilterType. */
const ageFilters: Readonly<Partial<Record<ItemClass, PolicySettingName>>> = {
  Email: 'MaxEmailAgeFilter',
  Calendar: 'MaxCalendarAgeFilter',
};

/** What the domain acts on; the policy's age filter narrows what the client asks for. */
export function syncRules(
  context: Pick<CommandContext, 'policy' | 'version'>,
  itemClass: ItemClass,
): (text: string) => SyncRules {
  const longest = filterDays[ageFilterOf(context, itemClass)];
  const untold = untoldMarks(context.version);
  const costOf = context.version === '2.5' ? legacyBodyCost : bodyCost;
  return (text) => {
    const options = parseOptionsText(text);
    const wanted = itemClass === 'Email' ? (filterDays[options.filterType] ?? 0) : 0;
    return {
      filterDays: narrower(wanted, longest ?? 0),
      serverWins: options.serverWins,
      // MS-ASCMD, Class: no other version can have asked for SMS.
      isNothing: options.isSmsOnly === true && isAtLeast(context.version, '14.0'),
      cost: ({ size }) => costOf(options, size),
      untold,
    };
  };
}

/** MS-ASEMAIL: Flag came with 12.0, Categories and LastVerbExecuted with 14.0. */
function untoldMarks(version: ProtocolVersion): number {
  if (isAtLeast(version, '14.0')) return 0;
  const since14 = Changed.Categories | Changed.LastVerb;
  return version === '2.5' ? Changed.Flag | since14 : since14;
}

function ageFilterOf({ policy }: Pick<CommandContext, 'policy'>, itemClass: ItemClass): number {
  const name = ageFilters[itemClass];
  const value = name === undefined ? undefined : policy.settings[name];
  return typeof value === 'number' ? value : 0;
}

/** The shorter of two filters, where 0 is none. */
function narrower(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}
