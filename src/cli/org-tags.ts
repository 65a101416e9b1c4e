import type { Command } from 'commander';
import { recordsOf, Session, withJson } from './session.ts';
import { formatTable } from './table.ts';
import { type Terminal, UsageError } from './terminal.ts';

interface TagsOptions {
  readonly set?: string[];
  readonly remove?: string[];
}

/** addOrgTags adds `org tags`. */
export function addOrgTags(org: Command, terminal: Terminal): void {
  withJson(org.command('tags'))
    .description("list an organisation's tags, set or remove some")
    .argument('[alias|id]', 'may be left out while there is only one')
    .option('--set <key=value...>', 'at most 50 in all')
    .option('--remove <key...>', 'tags to take away')
    .action(async (chosen: string | undefined, options: TagsOptions, command: Command) => {
      const { set = [], remove: TagKeys = [] } = options;
      const Tags = set.map(tagOf);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId(chosen);
      const { ARN: ResourceARN } = await session.client.call('WorkMailService.DescribeOrganization', {
        OrganizationId,
      });
      if (TagKeys.length > 0) {
        await session.client.call('WorkMailService.UntagResource', { ResourceARN, TagKeys });
      }
      if (Tags.length > 0) await session.client.call('WorkMailService.TagResource', { ResourceARN, Tags });
      const output = await session.client.call('WorkMailService.ListTagsForResource', { ResourceARN });
      session.show(output, (list) =>
        formatTable(
          ['KEY', 'VALUE'],
          recordsOf(list['Tags']).map((one) => [one['Key'], one['Value']]),
        ),
      );
    });
}

function tagOf(text: string): object {
  const at = text.indexOf('=');
  if (at > 0) return { Key: text.slice(0, at), Value: text.slice(at + 1) };
  throw new UsageError(`--set takes KEY=VALUE, not "${text}".`);
}
