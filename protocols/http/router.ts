import type { HttpHandler } from './handler.ts';
import { HttpError } from './http-error.ts';

/** Route is one path and its handler by method. OPTIONS is a method like any other; HEAD is served by GET. */
export interface Route {
  /** The exact path, without query. */
  readonly path: string;
  /** True: the path matches in any case of its letters. */
  readonly anyCase?: boolean;
  /** True: the paths below it belong to it too. */
  readonly below?: boolean;
  readonly methods: Readonly<Record<string, HttpHandler>>;
}

/** createRouter gives the handler that passes a request to its route: 404 for an unknown path, 405 with Allow else. */
export function createRouter(routes: readonly Route[]): HttpHandler {
  const exact = new Map<string, Route>();
  const anyCase = new Map<string, Route>();
  for (const route of routes) {
    if (route.anyCase) anyCase.set(route.path.toLowerCase(), route);
    else exact.set(route.path, route);
  }
  const above = routes.filter(({ below }) => below);
  return async (request, response, context) => {
    const path = pathOf(request.url ?? '/');
    const route =
      exact.get(path) ?? anyCase.get(path.toLowerCase()) ?? above.find((one) => isBelow(path, one));
    if (route === undefined) throw new HttpError(404, 'Not found');
    const handler = handlerFor(route, request.method ?? '');
    if (handler === undefined) throw new HttpError(405, 'Method not allowed', { Allow: allowed(route) });
    await handler(request, response, context);
  };
}

function isBelow(path: string, { path: parent, anyCase }: Route): boolean {
  const start = path.slice(0, parent.length + 1);
  return (anyCase ? start.toLowerCase() : start) === `${anyCase ? parent.toLowerCase() : parent}/`;
}

/** pathOf gives the path of a request target, in origin-form or absolute-form (RFC 9112 §3.2). */
export function pathOf(target: string): string {
  const relative = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const path = relative.replace(/[?#].*$/s, '');
  return path === '' ? '/' : path;
}

function handlerFor({ methods }: Route, method: string): HttpHandler | undefined {
  if (Object.hasOwn(methods, method)) return methods[method];
  return method === 'HEAD' ? methods['GET'] : undefined;
}

function allowed({ methods }: Route): string {
  const names = Object.keys(methods);
  return (names.includes('GET') && !names.includes('HEAD') ? [...names, 'HEAD'] : names).join(', ');
}
