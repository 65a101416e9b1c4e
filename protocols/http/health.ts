import type { HttpHandler } from './handler.ts';
import { send } from './response.ts';

/** healthHandler answers /healthz: 200 `{"status":"ok"}` while the server is ready, 503 while it starts or stops. */
export function healthHandler(isReady: () => boolean): HttpHandler {
  return async (_request, response) => {
    const ready = isReady();
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
    send(response, ready ? 200 : 503, headers, JSON.stringify({ status: ready ? 'ok' : 'unavailable' }));
  };
}
