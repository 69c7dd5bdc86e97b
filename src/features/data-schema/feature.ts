import type { Feature, FeatureModule } from '../../ports/feature.ts';
import type { Given, OptionTable } from '../../options/table.ts';
import { errors } from '../../protocol/errors.ts';
import { compileSchema, type DataSchema } from './compiled-schema.ts';

const ruleRows = {
  schema: { kind: 'schema', doc: 'JSON schema that the `data` of every publish must satisfy.' },
} as const satisfies OptionTable;

/** The schema of a channel. */
type SchemaRule = {
  readonly schema?: DataSchema | undefined;
};

/** The channel rules, with the key `schema`. */
export interface SchemaRules {
  readonly byPattern: Readonly<Record<string, SchemaRule>>;
  of(channel: string): SchemaRule;
}

/** Refuses data that breaks the schema of its channel. */
function dataSchema(rules: SchemaRules): Feature {
  return {
    name: 'schema',
    checking(channel, data) {
      const { schema } = rules.of(channel);
      const fault = schema?.faultIn(data);
      if (schema !== undefined && fault !== undefined) throw errors.dataInvalid(channel, fault, schema.place);
    },
  };
}

export const dataSchemaModule = {
  ruleRows,
  rulesService: true,
  readRule: ({ schema }: Given<typeof ruleRows>, place: string): SchemaRule =>
    schema === undefined ? {} : { schema: compileSchema(schema, `${place}.schema`) },
  make: ({ rules }: { readonly rules: SchemaRules }) =>
    Object.values(rules.byPattern).some(({ schema }) => schema !== undefined) ? dataSchema(rules) : undefined,
} as const satisfies FeatureModule;
