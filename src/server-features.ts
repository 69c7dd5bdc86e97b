import { activityModule } from './features/activity.ts';
import { authModule } from './features/auth/feature.ts';
import { addressedModule } from './features/addressed/feature.ts';
import { binaryModule } from './features/binary/binary.ts';
import { dataSchemaModule } from './features/data-schema/feature.ts';
import { dedupeModule } from './features/dedupe.ts';
import { governorModule } from './features/governor/feature.ts';
import { historyModule } from './features/history/feature.ts';
import { journalModule } from './features/journal/feature.ts';
import { presenceModule } from './features/presence/feature.ts';
import { ackModule } from './features/redelivery/ack.ts';
import { resendModule } from './features/redelivery/resend.ts';
import { revalidationModule } from './features/revalidation.ts';
import { tabsModule } from './features/tabs.ts';
import { timestampModule } from './features/timestamp.ts';
import { timesyncModule } from './features/timesync.ts';
import { traceModule } from './features/trace/trace.ts';
import type { Feature, FeatureModule, PartsFor } from './ports/feature.ts';

/** The features of the server, in the order in which their hooks are called. */
export const serverFeatures = [
  governorModule,
  authModule,
  revalidationModule,
  ackModule,
  resendModule,
  timesyncModule,
  binaryModule,
  timestampModule,
  activityModule,
  dedupeModule,
  dataSchemaModule,
  addressedModule,
  historyModule,
  presenceModule,
  tabsModule,
  journalModule,
  traceModule,
] as const;

/** Makes the features that the options ask for. */
export function featuresOf<const Modules extends readonly FeatureModule[]>(
  modules: Modules,
  parts: PartsFor<Modules> & object,
): Feature[];
export function featuresOf(modules: readonly FeatureModule[], parts: object): Feature[] {
  return modules.map((module) => module.make(parts)).filter((feature) => feature !== undefined);
}
