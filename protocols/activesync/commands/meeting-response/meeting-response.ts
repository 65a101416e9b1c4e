import { isPunctuatedDateTime } from '../../classes/date-time.ts';
import { defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import { MeetingResponse } from '../../wbxml/code-pages/meeting-response.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { childrenOf, type Element, el, integerOf, textOf } from '../../wbxml/element.ts';
import { MeetingResponseStatus } from './status.ts';

/** MS-ASCMD, Limiting Size of Command Requests. */
const maxRequests = 100;
/** Of a RequestId we repeat. */
const maxId = 64;

interface MeetingResult {
  readonly requestId: string | undefined;
  readonly status: number;
}

/**
 * MeetingResponse: accepts, or declines, a meeting (MS-ASCMD, MeetingResponse). There are no calendars, so that no item
 * is a meeting request: each answer is the one for an item that is gone.
 */
export const meetingResponse = defineCommand({
  name: 'MeetingResponse',
  code: 15,
  read: (body, { protocolVersion }) => {
    const requests = childrenOf(body, MeetingResponse.Request);
    if (requests.length === 0) throw new CommandError(CommonStatus.InvalidXML, 'no Request');
    if (requests.length > maxRequests) throw new CommandError(CommonStatus.InvalidXML, 'too many Requests');
    return requests.map((request) => readResult(request, protocolVersion));
  },
  run: async (results) => results,
  write: (results) => el(MeetingResponse.MeetingResponse, ...results.map(writeResult)),
});

/** What a Request is answered; below 14.0 a common status is one for the whole command. */
function readResult(request: Element, version: ProtocolVersion): MeetingResult {
  const requestId = textOf(request, MeetingResponse.RequestId);
  const answer = integerOf(request, MeetingResponse.UserResponse);
  const isFaulty = answer === undefined || !(answer >= 1 && answer <= 3) || (requestId ?? '').length > maxId;
  if (isFaulty) throw new CommandError(CommonStatus.InvalidXML, 'no UserResponse, or too long a RequestId');
  const status = statusOf(request, version);
  if (status >= CommonStatus.InvalidContent && !isAtLeast(version, '14.0')) {
    throw new CommandError(status, 'ids that do not go together');
  }
  return { requestId: requestId === '' ? undefined : requestId, status };
}

function statusOf(request: Element, version: ProtocolVersion): number {
  const { CollectionId, RequestId, InstanceId } = MeetingResponse;
  const hasIds = [CollectionId, RequestId].some((tag) => textOf(request, tag) !== undefined);
  if (hasIds && textOf(request, Search.LongId) !== undefined) return CommonStatus.InvalidCombinationOfIDs;
  const instance = textOf(request, InstanceId);
  const isInstance = instance === undefined || !isAtLeast(version, '14.1') || isPunctuatedDateTime(instance);
  return isInstance ? MeetingResponseStatus.InvalidMeetingRequest : CommonStatus.InvalidDateTime;
}

function writeResult({ requestId, status }: MeetingResult): Element {
  return el(
    MeetingResponse.Result,
    requestId === undefined ? undefined : el(MeetingResponse.RequestId, requestId),
    el(MeetingResponse.Status, status),
  );
}
