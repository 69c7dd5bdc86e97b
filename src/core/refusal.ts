/** No room for one more session: the whole exchange is refused as HS-14 says, instead of answered. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}
