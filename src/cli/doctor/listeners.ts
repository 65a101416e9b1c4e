import { connect } from 'node:net';
import type { ListenAddress } from '#config/units';
import { ask } from './ask.ts';
import { type Check, type Finding, fail, ok, reasonOf, warn } from './finding.ts';
import { addressText, type Scene } from './scene.ts';
import { SmtpProbe } from './smtp-probe.ts';

const seeLog = 'See the server’s log; restarting it may help.';

/** listenerChecks connect to each listener; of a server that is down, they look whether its ports are free. */
export function listenerChecks(scene: Scene): readonly Check[] {
  return Object.entries(scene.listeners).map(([listener, address]) => {
    const name = `listener ${listener}`;
    const run = async (signal: AbortSignal): Promise<readonly Finding[]> => {
      if (scene.outage !== undefined) return [await checkFree(name, address, signal)];
      try {
        return [await look(listener, name, address, scene, signal)];
      } catch (error) {
        return [fail(name, `${addressText(address)}: ${reasonOf(error)}`, seeLog)];
      }
    };
    return { name, run };
  });
}

async function look(
  listener: string,
  name: string,
  address: ListenAddress,
  scene: Scene,
  signal: AbortSignal,
): Promise<Finding> {
  switch (listener) {
    case 'smtp':
    case 'submission':
    case 'submissions':
      return checkMail(name, listener, address, scene, signal);
    default:
      return checkWeb(name, listener, address, scene, signal);
  }
}

/** Banner, EHLO, TLS, and where mail is handed in AUTH behind it. */
async function checkMail(
  name: string,
  listener: 'smtp' | 'submission' | 'submissions',
  address: ListenAddress,
  { hostname }: Scene,
  signal: AbortSignal,
): Promise<Finding> {
  const at = addressText(address);
  const isImplicitTls = listener === 'submissions';
  const probe = SmtpProbe.open(address, { isImplicitTls, hostname }, signal);
  try {
    const [banner = ''] = await probe.ask();
    const greeted = banner.split(' ')[1] ?? '';
    if (!banner.startsWith('220')) return fail(name, `${at} greets with "${banner}"`, seeLog);
    let offered = await probe.ask('EHLO localhost');
    if (!isImplicitTls) {
      if (!offers(offered, 'STARTTLS')) return fail(name, `${at} offers no STARTTLS`, seeLog);
      const [reply = ''] = await probe.ask('STARTTLS');
      if (!reply.startsWith('220')) return fail(name, `${at} refuses STARTTLS: "${reply}"`, seeLog);
      await probe.upgrade(hostname);
      offered = await probe.ask('EHLO localhost');
    }
    const version = probe.tlsVersion ?? '';
    await probe.ask('QUIT');
    if (listener !== 'smtp' && !offers(offered, 'AUTH')) {
      return fail(name, `${at} offers no AUTH behind TLS`, seeLog);
    }
    const how = isImplicitTls ? `TLS from the start works (${version})` : `STARTTLS works (${version})`;
    return ok(name, `${at} greets as ${greeted}, ${how}${listener === 'smtp' ? '' : ', AUTH is offered'}`);
  } finally {
    probe.close();
  }
}

function offers(lines: readonly string[], keyword: string): boolean {
  return lines.some((line) => line.slice(4).toUpperCase().split(' ')[0] === keyword);
}

async function checkWeb(
  name: string,
  listener: string,
  address: ListenAddress,
  { hostname }: Scene,
  signal: AbortSignal,
): Promise<Finding> {
  const at = addressText(address);
  const isMetrics = listener === 'metrics';
  const path = isMetrics ? '/metrics' : '/healthz';
  const isPlain = listener !== 'https';
  const { status } = await ask({ address, hostname, isPlain, method: 'GET', path }, signal);
  if (status === 200) return ok(name, `${at} answers ${path} with 200`);
  if (status === 503)
    return warn(name, `${at} answers ${path} with 503`, 'It is starting or stopping: wait a moment.');
  return fail(name, `${at} answers ${path} with ${status}`, seeLog);
}

/** Whether a start would find the port free. */
function checkFree(name: string, { host, port }: ListenAddress, signal: AbortSignal): Promise<Finding> {
  const at = addressText({ host, port });
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.destroy();
      const advice = 'Stop that program, or choose another port under [listen].';
      resolve(fail(name, `another program listens on ${at}`, advice));
    });
    socket.once('error', (error) => {
      const isFree = 'code' in error && error.code === 'ECONNREFUSED';
      resolve(
        isFree
          ? ok(name, `${at} is free`)
          : warn(name, `${at}: ${reasonOf(error)}`, 'Look at the address under [listen].'),
      );
    });
  });
}
