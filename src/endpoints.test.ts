import { expect, test } from 'vitest';
import { loadConfig } from '#config/load';
import { endpointsOf } from './endpoints.ts';

const addresses = { https: '[::]:8443', submission: '127.0.0.1:2587', submissions: '[::1]:2465' };
const of = (env: Record<string, string>, bound: Record<string, string> = addresses) =>
  endpointsOf(loadConfig({ cwd: '/', env: { MAILSTEAD_HOSTNAME: 'mail.example.com', ...env } }), bound);

test('clients are told the host name and the bound ports; TLS comes before STARTTLS', () => {
  expect(of({})).toEqual({
    publicUrl: 'https://mail.example.com:8443',
    submission: [
      { host: 'mail.example.com', port: 2465, security: 'TLS' },
      { host: 'mail.example.com', port: 2587, security: 'STARTTLS' },
    ],
  });
});

test('what the configuration says goes first, also where no listener is bound', () => {
  const env = {
    MAILSTEAD_PUBLIC_URL: 'https://m.example.com/',
    MAILSTEAD_PUBLIC_SUBMISSION: 'smtp.example.com:587',
  };
  const told = { host: 'smtp.example.com', port: 587, security: 'STARTTLS' };
  expect(of(env, {})).toEqual({ publicUrl: 'https://m.example.com', submission: [told] });
});

test('a listener that is off is not told of', () => {
  expect(of({}, { https: '0.0.0.0:443' })).toEqual({ publicUrl: 'https://mail.example.com', submission: [] });
});
