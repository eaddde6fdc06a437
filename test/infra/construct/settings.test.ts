import { readFile } from 'node:fs/promises';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { VARIABLES } from '../../../functions/settings.ts';
import type { BullbridgeProps } from '../../../infra/construct/bullbridge-props.ts';
import { defaultOf, kindOf } from '../../../infra/construct/environment.ts';
import type { Setting } from '../../../infra/construct/setting.ts';
import { SETTINGS } from '../../../infra/construct/settings.ts';

const settings: readonly Setting[] = SETTINGS;

/** Props that are no plain values: resources, and what is done with them. */
type Resources =
  | 'redis'
  | 'eventBus'
  | 'payloadBucket'
  | 'encryptionKey'
  | 'alarmAction'
  | 'checkpointTable'
  | 'deadLetterQueue'
  | 'vpc'
  | 'vpcSubnets'
  | 'securityGroups'
  | 'logRetention';
type Listed = Extract<(typeof SETTINGS)[number], { readonly props: unknown }>['props'][number];

describe('the table of settings', () => {
  test('has each prop that is a plain value', () => {
    expectTypeOf<Exclude<keyof BullbridgeProps, Listed | Resources>>().toEqualTypeOf<never>();
  });

  test('has each variable, prop and option once, with its meaning', () => {
    const variables = settings.flatMap(({ variable }) => variable ?? []);
    expect(variables.sort()).toEqual(Object.keys(VARIABLES).sort());
    for (const names of [
      settings.flatMap(({ option }) => option ?? []),
      settings.flatMap(({ props }) => props ?? []),
    ]) {
      expect(new Set(names).size).toBe(names.length);
    }
    for (const { about } of settings) expect(about).toMatch(/\.$/);
  });

  test('has defaults that are allowed', () => {
    for (const setting of settings) {
      const { read, print } = setting;
      const text = defaultOf(setting);
      if (!read || !print || text === undefined || text.startsWith('- ')) continue;
      const printed = print(read(text) as BullbridgeProps);
      expect([setting.option, kindOf(setting)?.schema.safeParse(printed).success ?? true]).toEqual([
        setting.option,
        true,
      ]);
    }
  });

  test('has the same defaults as the props', async () => {
    const files = ['bullbridge-props.ts', 'network-props.ts', 'operation-props.ts'].map((name) =>
      readFile(new URL(`../../../infra/construct/${name}`, import.meta.url), 'utf8'),
    );
    const source = (await Promise.all(files)).join();
    const documented = [...source.matchAll(/@default (.+)\n {3}\*\/\n {2}readonly (\w+)/g)];
    const said = new Map(documented.map(([, value = '', prop = '']) => [prop, value]));
    const differing = settings.flatMap((setting) => {
      const [prop] = setting.props ?? [];
      const text = defaultOf(setting);
      const written = said.get(prop ?? '') ?? '';
      if (prop === undefined || text === undefined || text.startsWith('- ') || text === '*') return [];
      const plain = written.replaceAll(/[^\w,]/g, '').toLowerCase();
      return plain.endsWith(text.toLowerCase()) || durations[plain] === text ? [] : [[prop, written, text]];
    });
    expect(differing).toEqual([]);
  });
});

/** `Duration.seconds(2)` in the milliseconds of the table, and the like. */
const durations: Readonly<Record<string, string>> = { durationseconds2: '2000' };
