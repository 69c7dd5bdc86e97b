/** Redis could not be reached in time, or had no room: nothing was done, and nobody got anything. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';
}
