import { randomInt } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { type Terminal, UsageError } from './terminal.ts';

/** A password and whether we made it up, in which case somebody has to be told. */
export interface ChosenPassword {
  readonly password: string;
  readonly isGenerated: boolean;
}

/** Without the letters and digits that are taken for one another. */
const classes = ['abcdefghijkmnpqrstuvwxyz', 'ABCDEFGHJKLMNPQRSTUVWXYZ', '23456789'] as const;
const generatedLength = 16;

/** choosePassword reads the first line of standard input, or makes a password up. Throws UsageError when the line is empty. */
export async function choosePassword(fromStdin: boolean, terminal: Terminal): Promise<ChosenPassword> {
  if (!fromStdin) return { password: generate(), isGenerated: true };
  const [password = ''] = (await text(terminal.stdin)).split(/\r?\n/, 1);
  if (password === '')
    throw new UsageError('--password-stdin: the password is the first line of standard input.');
  return { password, isGenerated: false };
}

/** 16 characters, each class at least once: about 90 bits. */
function generate(): string {
  const all = classes.join('');
  const pick = () =>
    Array.from({ length: generatedLength }, () => all.charAt(randomInt(all.length))).join('');
  let password = pick();
  while (!classes.every((members) => [...members].some((character) => password.includes(character))))
    password = pick();
  return password;
}
