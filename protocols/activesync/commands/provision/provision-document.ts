import type { EffectivePolicy } from '#domain/policy';
import {
  type PolicySettingName,
  policySettingNames,
  policySettings,
  type SettingValue,
} from '#domain/policy-settings';
import type { ProtocolVersion } from '../../protocol-version.ts';
import { Provision } from '../../wbxml/code-pages/provision.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { policyFor120 } from './old-policies.ts';

/**
 * The policy as devices take it from 12.0 on (MS-ASPROV, EASProvisionDoc; every element from 12.1 on). A setting that a
 * device may still hold from an earlier policy is sent with what is assumed without it; whether a password is needed
 * is always said.
 */
export function provisionDocument(policy: EffectivePolicy, version: ProtocolVersion): Element {
  const { settings, everSet } = version === '12.0' ? policyFor120(policy) : policy;
  const elements = policySettingNames.map((name) => {
    const value = settings[name];
    if (value !== undefined) return write(name, value);
    return name === 'DevicePasswordEnabled' || everSet.includes(name) ? writeAssumed(name) : undefined;
  });
  return el(Provision.EASProvisionDoc, ...elements);
}

function write(name: PolicySettingName, value: SettingValue): Element {
  const { type } = policySettings[name];
  if (type.kind === 'list' && typeof value === 'object') {
    const entry = Provision[type.entry];
    return el(Provision[name], ...value.map((text) => el(entry, text)));
  }
  return typeof value === 'object' ? el(Provision[name]) : el(Provision[name], value);
}

function writeAssumed(name: PolicySettingName): Element {
  const { type } = policySettings[name];
  return type.kind === 'list' || type.assumed === undefined
    ? el(Provision[name])
    : el(Provision[name], type.assumed);
}
