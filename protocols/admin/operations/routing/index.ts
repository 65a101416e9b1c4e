import type { Directory } from '#directory/directory';
import type { MailRouting } from '#directory/mail-routing';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, structuresOf, textOf } from '../input.ts';

/** routingOperations are the operations on where an organisation's mail for nobody goes. */
export function routingOperations(directory: Directory): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.GetMailRouting': async (input) => answerOf(await directory.mailRouting(organizationOf(input))),
    'Mailstead.PutMailRouting': (input) => putMailRouting(directory, input),
  };
}

async function putMailRouting(directory: Directory, input: AdminInput): Promise<object> {
  const catchAll = structuresOf(input, 'CatchAlls').map(
    (one) => [requiredText(one, 'DomainName'), requiredText(one, 'EntityId')] as const,
  );
  const administrator = textOf(input, 'Administrator');
  return answerOf(await directory.putMailRouting(organizationOf(input), { administrator, catchAll }));
}

function answerOf({ administrator, catchAll }: MailRouting): object {
  return {
    Administrator: administrator,
    CatchAlls: [...catchAll].map(([domain, entity]) => ({ DomainName: domain, EntityId: entity })),
  };
}
