/** Exceptions that the model lists for operations and nothing makes this server answer, and why. */
import type { Exception, Operation } from '#test/support/workmail-operations';

interface Unprovoked {
  readonly exception: Exception;
  readonly why: string;
  readonly operations: readonly Operation[];
}

const writers: readonly Operation[] = [
  'AssociateMemberToGroup',
  'CreateGroup',
  'CreateResource',
  'CreateUser',
  'DeleteGroup',
  'DeleteUser',
  'DisassociateMemberFromGroup',
  'RegisterToWorkMail',
  'UpdatePrimaryEmailAddress',
  'UpdateUser',
];

export const unprovoked: readonly Unprovoked[] = [
  {
    exception: 'DirectoryServiceAuthenticationFailedException',
    why: 'The directory is part of this server: nobody signs in to it.',
    operations: [...writers, 'DescribeUser', 'ResetPassword'],
  },
  {
    exception: 'DirectoryUnavailableException',
    why: 'The directory is part of this server: it is there when the server is. A DirectoryId is an InvalidParameterException.',
    operations: [...writers, 'CreateOrganization', 'DescribeUser', 'ResetPassword', 'UpdateResource'],
  },
  {
    exception: 'DirectoryInUseException',
    why: 'Each organization has a directory of its own, and none can be given.',
    operations: ['CreateOrganization'],
  },
  {
    exception: 'UnsupportedOperationException',
    why: 'It is for directories that are read-only (AD Connector); there are none here.',
    operations: [
      ...writers,
      'AssociateDelegateToResource',
      'DeleteResource',
      'DescribeResource',
      'DisassociateDelegateFromResource',
      'ListResourceDelegates',
      'ListResources',
      'UpdateGroup',
      'UpdateResource',
    ],
  },
  {
    exception: 'InvalidCustomSesConfigurationException',
    why: 'No domain is kept by Amazon SES.',
    operations: ['DeregisterMailDomain'],
  },
  {
    exception: 'EntityStateException',
    why: 'A group or resource that is deleted is gone at once; one that is disabled is changed and listed as an enabled one.',
    operations: ['ListGroupMembers', 'ListResourceDelegates', 'UpdateGroup', 'UpdateResource'],
  },
  {
    exception: 'EntityNotFoundException',
    why: 'The operation names no entity.',
    operations: ['ListGroups'],
  },
  {
    exception: 'EmailAddressInUseException',
    why: 'A new name of a resource changes no address.',
    operations: ['UpdateResource'],
  },
  {
    exception: 'MailDomainNotFoundException',
    why: 'A new name of a resource changes no address.',
    operations: ['UpdateResource'],
  },
  {
    exception: 'MailDomainStateException',
    why: 'A new name of a resource changes no address.',
    operations: ['UpdateResource'],
  },
  {
    exception: 'ResourceNotFoundException',
    why: 'Nothing is known of roles and log groups of AWS: any of the right form is kept.',
    operations: ['PutEmailMonitoringConfiguration'],
  },
  {
    exception: 'LimitExceededException',
    why: 'A role that is replaced is not one more, and too many rules are an InvalidParameterException.',
    operations: ['UpdateImpersonationRole'],
  },
];
