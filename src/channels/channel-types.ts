/**
 * The type of the data on a channel, from the application's map of channel types: `{ '/chat/*': { text: string } }`.
 * The channel's own entry comes first, then patterns with `*`, then with `**`. Without an entry the type is `unknown`.
 */
export type DataOf<Channels, Name extends string> = string extends Name
  ? unknown
  : Name extends keyof Channels
    ? Channels[Name]
    : First<[DataOfPatterns<Channels, Name, '*'>, DataOfPatterns<Channels, Name, '**'>]>;

type First<Types extends readonly unknown[]> = Types extends [infer Type, ...infer Others]
  ? [Type] extends [never]
    ? First<Others>
    : Type
  : unknown;

type DataOfPatterns<Channels, Name extends string, Wildcard extends '*' | '**'> = {
  [Pattern in keyof Channels]: Pattern extends `${infer Parent}/${Wildcard}`
    ? IsBelow<Name, Parent, Wildcard> extends true
      ? Channels[Pattern]
      : never
    : never;
}[keyof Channels];

type IsBelow<
  Name extends string,
  Parent extends string,
  Wildcard extends '*' | '**',
> = Name extends `${Parent}/${infer Rest}`
  ? Wildcard extends '**'
    ? true
    : Rest extends '**' | `${string}/${string}`
      ? false
      : true
  : false;
