import type { ListenAddress } from '#config/units';

/** Refused is an answer that is not the good one: an HTTP status, or a Status of the command's document. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly httpStatus: number;
  /** MS-ASCMD, Common Status Codes; undefined where HTTP says it all. */
  readonly status: number | undefined;

  constructor(command: string, httpStatus: number, status: number | undefined) {
    super(`${command} is answered with ${status === undefined ? `HTTP ${httpStatus}` : `Status ${status}`}`);
    this.httpStatus = httpStatus;
    this.status = status;
  }
}

/** Where a phone connects, and as whom. */
export interface PhoneOptions {
  readonly address: ListenAddress;
  readonly hostname: string;
  readonly user: string;
  readonly password: string;
}

/** Phone is a device that only looks, under a name of its own. What it asks throws Refused. */
export interface Phone {
  readonly deviceId: string;
  /** The versions that the server speaks (MS-ASHTTP, OPTIONS). */
  options(): Promise<string>;
  /** What AutoDiscover answers for the address: the URL of ActiveSync. */
  autodiscover(): Promise<string | undefined>;
  /** Both phases of Provision (MS-ASPROV); gives what the policy asks for, in words. */
  provision(): Promise<string>;
  /** How many folders there are. */
  folderSync(): Promise<number>;
}
