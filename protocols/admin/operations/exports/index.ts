import type { ExportJob } from '#directory/kept';
import type { MailboxExports } from '#directory/mailbox-exports';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** exportOperations are the operations on exports of mailboxes. */
export function exportOperations(exports: MailboxExports): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.StartMailboxExportJob': async (input) => {
      const wanted = {
        description: textOf(input, 'Description'),
        roleArn: requiredText(input, 'RoleArn'),
        kmsKeyArn: requiredText(input, 'KmsKeyArn'),
        bucket: requiredText(input, 'S3BucketName'),
        prefix: requiredText(input, 'S3Prefix'),
      };
      const [entity, token] = [requiredText(input, 'EntityId'), requiredText(input, 'ClientToken')];
      return { JobId: await exports.start(organizationOf(input), entity, wanted, token) };
    },
    'WorkMailService.CancelMailboxExportJob': async (input) => {
      const [id, token] = [requiredText(input, 'JobId'), requiredText(input, 'ClientToken')];
      if (await exports.cancel(organizationOf(input), id, token)) return {};
      throw unknownJob();
    },
    'WorkMailService.DescribeMailboxExportJob': async (input) => {
      const { JobId: _id, ...job } = writeJob(await jobIn(exports, input));
      return job;
    },
    'WorkMailService.ListMailboxExportJobs': async (input) => {
      const organization = organizationOf(input);
      const { after, limit } = pageAsked(input, 'mailbox-export-jobs', organization);
      const { rows, next } = await exports.list(organization, after, limit);
      return {
        Jobs: rows.map((job) => {
          const {
            RoleArn: _role,
            KmsKeyArn: _key,
            S3Prefix: _prefix,
            ErrorInfo: _error,
            ...listed
          } = writeJob(job);
          return listed;
        }),
        NextToken: nextToken(next, 'mailbox-export-jobs', organization),
      };
    },
  };
}

async function jobIn(exports: MailboxExports, input: AdminInput): Promise<ExportJob> {
  const job = await exports.find(organizationOf(input), requiredText(input, 'JobId'));
  if (job !== undefined) return job;
  throw unknownJob();
}

function unknownJob(): AdminError {
  return new AdminError('EntityNotFoundException', 'The mailbox export job does not exist.');
}

function writeJob(job: ExportJob) {
  return {
    JobId: job.id,
    EntityId: job.entity,
    Description: job.description,
    RoleArn: job.roleArn,
    KmsKeyArn: job.kmsKeyArn,
    S3BucketName: job.bucket,
    S3Prefix: job.prefix,
    EstimatedProgress: 0,
    State: job.state,
    ErrorInfo: job.errorInfo,
    StartTime: timestamp(job.startedMs),
    EndTime: timestamp(job.endedMs),
  };
}
