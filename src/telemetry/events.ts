/**
 * EventName is every event this server logs, one per line, by place. Name a new one `<place>.<thing>.<what happened>`.
 * Refusals are logged as info, what we cannot help as warn, our own faults as error.
 */
export type EventName =
  // The process.
  | 'server.starting'
  | 'server.ready'
  | 'server.stopping'
  | 'server.stopped'
  | 'server.failed'
  // HTTP, whatever is spoken over it.
  | 'http.listening'
  | 'http.request.refused'
  | 'http.request.failed'
  | 'http.connection.failed'
  | 'tls.certificate.made'
  // SMTP.
  | 'smtp.listening'
  | 'smtp.connection.refused'
  | 'smtp.connection.failed'
  | 'smtp.auth.refused'
  | 'smtp.rcpt.refused'
  | 'smtp.message.accepted'
  | 'smtp.message.refused'
  | 'smtp.hook.failed'
  | 'smtp.authentication.failed'
  | 'scanner.message.unscanned'
  // Mail domains and their records in DNS.
  | 'domain.verified'
  | 'domain.ownership.missing'
  | 'domain.refused'
  | 'domain.look.failed'
  | 'domain.administrator.told'
  | 'domain.notice.failed'
  // Delivery to mailboxes one by one.
  | 'delivery.queue.delivered'
  | 'delivery.queue.failed'
  | 'delivery.mailbox.gone'
  // What the owner of a mailbox wants done with mail.
  | 'delivery.rules.applied'
  | 'delivery.reply.made'
  | 'delivery.reply.withheld'
  // Mail to other servers.
  | 'outbound.recipient.tried'
  | 'outbound.sender.told'
  | 'outbound.journal.failed'
  | 'outbound.mail.deleted'
  | 'outbound.signing.failed'
  | 'outbound.queue.failed'
  | 'outbound.thread.failed'
  | 'outbound.sts.fetched'
  | 'outbound.sts.failed'
  // Access control rules.
  | 'access.announce.failed'
  // Policies of groups.
  | 'policy.announce.failed'
  // ActiveSync.
  | 'activesync.command.done'
  | 'activesync.command.refused'
  | 'activesync.command.failed'
  | 'activesync.body.unknown'
  | 'activesync.item.unreadable'
  | 'activesync.item.skipped'
  | 'activesync.device.quarantined'
  // What devices did, and who looked.
  | 'device.diary.failed'
  | 'device.trace.on'
  | 'device.trace.off'
  | 'device.trace.failed'
  | 'device.recovery-password.shown'
  // What the store has done in the background.
  | 'mailbox.quota.noticed'
  | 'mailbox.quota.notice.failed'
  | 'maintenance.run.done'
  | 'maintenance.run.failed'
  | 'maintenance.task.failed'
  | 'maintenance.mailbox.removed'
  | 'maintenance.organization.removed'
  | 'maintenance.retention.applied'
  | 'maintenance.retention.postponed'
  | 'maintenance.bodies.removed'
  | 'search.index.dropped'
  | 'search.index.extended'
  // AutoDiscover.
  | 'autodiscover.request.answered'
  | 'autodiscover.request.refused'
  // The admin API.
  | 'admin.listening'
  | 'admin.operation.done'
  | 'admin.operation.refused'
  | 'admin.operation.failed'
  | 'admin.signature.throttled';
