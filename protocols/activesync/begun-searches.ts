import { RecentMap } from '#directory/recent-map';

/** Of so many devices; one that is forgotten begins its search anew. */
const maxDevices = 10_000;

/** BegunSearches remembers the last search of the address book that each device has begun. */
export class BegunSearches {
  readonly #searches = new RecentMap<string, string>(maxDevices);

  /** `device` names one of all devices of all mailboxes. */
  begin(device: string, searchId: string): void {
    this.#searches.set(device, searchId);
  }

  has(device: string, searchId: string): boolean {
    return this.#searches.get(device) === searchId;
  }
}
