import type { EntityId, OrganizationId } from '#domain/ids';
import type { CommandContext } from './command.ts';
import { isAtLeast } from './protocol-version.ts';
import { CommonStatus } from './status.ts';
import type { Tag } from './wbxml/code-page.ts';
import { type Element, el, integerOf } from './wbxml/element.ts';

/** Bytes of all photos in one answer: a phone that says no limit asks for a hundred of them. */
const maxTotalBytes = 4 * 1024 * 1024;
/** Whose photos are looked for in one answer: a hundred ambiguous names may mean ten thousand people. */
const maxLookedFor = 500;

/** Which photos are asked for (MS-ASCMD, Picture): each at most so large, and at most so many. */
export interface PictureOptions {
  readonly maxSize: number;
  readonly maxPictures: number;
}

/**
 * Reads a Picture element of a request; iOS sends it empty: no limits. Undefined when there is none. Throws RangeError
 * for what is no number.
 */
export function readPicture(
  picture: Element | undefined,
  tags: { readonly MaxSize: Tag; readonly MaxPictures: Tag },
): PictureOptions | undefined {
  if (picture === undefined) return undefined;
  const maxSize = integerOf(picture, tags.MaxSize) ?? Number.POSITIVE_INFINITY;
  const maxPictures = integerOf(picture, tags.MaxPictures) ?? Number.POSITIVE_INFINITY;
  if (!(maxSize >= 0 && maxPictures >= 0)) throw new RangeError('MaxSize or MaxPictures is no number');
  return { maxSize, maxPictures };
}

/**
 * Pictures gives the Picture elements of one answer: the first photos that fit, and for the others why not (MS-ASCMD,
 * Status: 173 none, 174 too large, 175 enough). Versions before 14.1 get none.
 */
export class Pictures {
  readonly #options: PictureOptions | undefined;
  readonly #people: CommandContext['services']['people'];
  readonly #organization: OrganizationId;
  #count = 0;
  #bytes = 0;
  #lookedFor = 0;

  constructor(options: PictureOptions | undefined, { version, services, account }: CommandContext) {
    this.#options = isAtLeast(version, '14.1') ? options : undefined;
    this.#people = services.people;
    this.#organization = account.organization;
  }

  /** That of an entry of the address book; undefined when none were asked for. */
  async of(
    entity: EntityId,
    tags: { readonly Picture: Tag; readonly Status: Tag; readonly Data: Tag },
  ): Promise<Element | undefined> {
    if (this.#options === undefined) return undefined;
    if (++this.#lookedFor > maxLookedFor) {
      return el(tags.Picture, el(tags.Status, CommonStatus.PictureLimitReached));
    }
    const photo = await this.#people.photoOf(this.#organization, entity);
    const status = this.#statusOf(photo, this.#options);
    if (status !== undefined || photo === undefined) return el(tags.Picture, el(tags.Status, status));
    this.#count++;
    this.#bytes += photo.length;
    return el(tags.Picture, el(tags.Status, 1), el(tags.Data, photo));
  }

  /** Undefined: it is sent. */
  #statusOf(photo: Uint8Array | undefined, options: PictureOptions): CommonStatus | undefined {
    if (photo === undefined) return CommonStatus.NoPicture;
    if (photo.length > options.maxSize) return CommonStatus.PictureTooLarge;
    const isEnough = this.#count >= options.maxPictures || this.#bytes + photo.length > maxTotalBytes;
    return isEnough ? CommonStatus.PictureLimitReached : undefined;
  }
}
