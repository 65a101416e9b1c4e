import { lstat, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { relative } from 'node:path';
import type { HttpHandler } from '#protocols/http/handler';
import { createHttpListener, type HttpListener } from '#protocols/http/listener';
import type { Logger } from '#telemetry/log';

/** The room for a path in sockaddr_un on Linux, less its closing zero. */
const maxPathBytes = 107;

/**
 * listenOnAdminSocket serves the admin API at `path` without signatures: the file has mode 0600, and who may open it is an
 * administrator. A socket left behind by a killed server is replaced; one that answers, and any other file, is not. Throws
 * an Error that names the path.
 */
export async function listenOnAdminSocket(
  path: string,
  handler: HttpHandler,
  log: Logger,
): Promise<HttpListener> {
  const short = shortest(path);
  if (Buffer.byteLength(short) > maxPathBytes) {
    throw new Error(`The path ${path} is too long for a socket: choose a data directory nearer to the root`);
  }
  await removeStale(short);
  const listener = createHttpListener({ handler, log });
  await listener.listen({ path: short });
  log.info('admin.listening', { path });
  return listener;
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is in the way: it is not a socket`);
  if (await answers(path)) throw new Error(`${path} is in use by another server`);
  await rm(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return Buffer.byteLength(fromHere) < Buffer.byteLength(path) ? fromHere : path;
}
