export type {
  BullmqDetail,
  BullmqDetailType,
  ClaimCheck,
  EventEnvelope,
  JobDetail,
} from '../../functions/event/detail.ts';
export { Bullbridge, type BullbridgeProps } from './bullbridge.ts';
export type { FailureAlarmOptions } from './failure-alarm.ts';
export type { NetworkProps } from './network-props.ts';
export type { OperationProps } from './operation-props.ts';
export { RedisAccess, type RedisIamOptions, type RedisUrlOptions } from './redis-access.ts';
export type { EventName, OnEventOptions, OnLossOptions } from './rules.ts';
