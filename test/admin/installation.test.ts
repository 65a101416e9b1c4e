import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

test('DescribeInstallation: the listeners as they are bound, and the name and URL that clients are told', async () => {
  const { server, admin, baseUrl } = await startServer();
  const about = await admin('Mailstead.DescribeInstallation');
  expect(about).toMatchObject({
    Hostname: 'localhost',
    PublicUrl: baseUrl.replace('127.0.0.1', 'localhost'),
    Listeners: Object.entries(server.addresses).map(([Name, Address]) => ({ Name, Address })),
  });
  // Linux tells of open files; other systems may not.
  if (process.platform === 'linux') {
    expect(about['OpenFiles']).toBeGreaterThan(3);
    expect(about['OpenFilesLimit']).toBeGreaterThan(100);
  }
});

test('ListOperations: the full names of all operations that are served, in order', async () => {
  const { admin } = await startServer();
  const { Operations } = (await admin('Mailstead.ListOperations')) as { Operations: string[] };
  expect(Operations).toEqual([...Operations].sort());
  expect(Operations).toEqual(
    expect.arrayContaining(['Mailstead.ListOperations', 'WorkMailService.CreateUser']),
  );
  for (const operation of Operations) expect(operation).toMatch(/^(?:Mailstead|WorkMailService)\.[A-Z]\w+$/);
});
