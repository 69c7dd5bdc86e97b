import type { Feature } from '../ports/feature.ts';
import { type DataFault, errors } from '../protocol/errors.ts';

/** The rules of channels, as far as they say what may be published there. */
export interface SchemaRules {
  of(channel: string): {
    readonly schema?: { readonly place: string; faultIn(data: unknown): DataFault | undefined } | undefined;
  };
}

/** Refuses data that breaks the schema of its channel. */
export function dataSchema(rules: SchemaRules): Feature {
  return {
    name: 'schema',
    checking(channel, data) {
      const { schema } = rules.of(channel);
      const fault = schema?.faultIn(data);
      if (schema !== undefined && fault !== undefined) throw errors.dataInvalid(channel, fault, schema.place);
    },
  };
}
