import { randomInt } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { ReadStream } from 'node:tty';
import { CliError, type Terminal, UsageError } from './terminal.ts';

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

/** askPassword asks on the terminal, without showing what is typed. Throws UsageError where nobody can be asked. */
export async function askPassword(question: string, { stdin, complain }: Terminal): Promise<string> {
  if (!(stdin instanceof ReadStream)) {
    throw new UsageError('Nobody can be asked for the password here: give it with --password-stdin.');
  }
  // Before the question: who answers it fast must not see the answer either.
  stdin.setRawMode(true);
  try {
    complain(question);
    return await typedLine(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    complain('\n');
  }
}

/** Up to Enter; backspace takes back, Ctrl-U all, and Ctrl-C and Ctrl-D give up. */
function typedLine(stdin: ReadStream): Promise<string> {
  let line = '';
  return new Promise((resolve, reject) => {
    const onData = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n') return end(() => resolve(line));
        if (character === '\u0003' || character === '\u0004') {
          return end(() => reject(new CliError('No password was given. Nothing is done.')));
        }
        if (character === '\u007f' || character === '\b') line = [...line].slice(0, -1).join('');
        else if (character === '\u0015') line = '';
        else line += character;
      }
    };
    const end = (finish: () => void) => {
      stdin.off('data', onData);
      finish();
    };
    stdin
      .setEncoding('utf8')
      .on('data', onData)
      .once('end', () => end(() => resolve(line)));
  });
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
