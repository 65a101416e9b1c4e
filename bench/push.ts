/**
 * Milliseconds from the 250 of an SMTP delivery to the last byte of the Ping answer, one phone, 200 deliveries. Both
 * are seen by one client. The mailbox is told of a message when it is durable, as the sender is: a Ping that is
 * answered before the 250 has come counts as less than nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SmtpClient } from '#test/support/smtp-client';
import { percentile, printTable } from './support/figures.ts';
import { deliverOne } from './support/mail.ts';
import { Phone } from './support/phone.ts';
import { Site } from './support/site.ts';

const deliveries = 200;
const warmUp = 20;
/** For the Ping to be waiting when the mail comes. */
const settleMs = 30;

const site = await Site.start();
try {
  const user = await site.addUser('alice');
  const phone = new Phone({ baseUrl: site.baseUrl, ca: site.ca, user, deviceId: 'BENCH1' });
  const inbox = await phone.setUp();
  await phone.prime(inbox);
  const sender = await SmtpClient.greeted(site.smtp);
  const figures: number[] = [];
  for (let number = 0; number < deliveries + warmUp; number++) {
    const answered = phone.ping(inbox).then((status) => ({ status, at: performance.now() }));
    await sleep(settleMs);
    await deliverOne(sender, user.address, number);
    const acceptedAt = performance.now();
    const { status, at } = await answered;
    if (status !== '2') throw new Error(`Ping was answered Status ${status}`);
    if (number >= warmUp) figures.push(at - acceptedAt);
    const { items } = await phone.sync(inbox, 512);
    if (items !== 1) throw new Error(`${items} items in place of one`);
  }
  const ms = (p: number) => percentile(figures, p).toFixed(2);
  printTable(
    ['from 250 to the Ping answer', 'median, ms', 'p99', 'most'],
    [[`${deliveries} deliveries`, ms(0.5), ms(0.99), ms(1)]],
  );
  sender.close();
  phone.close();
} finally {
  await site.stop();
}
