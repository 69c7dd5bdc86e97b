import { ms } from '../../options/rows.ts';
import type { OptionTable, Resolved } from '../../options/table.ts';

const rows = {
  journal: {
    kind: 'group',
    off: true,
    unlessGiven: true,
    doc: 'Remember what became of the latest publishes, what was refused and which sessions ended, so that `bayeuxd explain` can tell why a client did not get an event.',
    rows: {
      maxBytes: {
        kind: 'integer',
        unit: 'bytes',
        min: 65_536,
        max: 4_294_967_296,
        default: 8_388_608,
        doc: 'Memory of the journal: past it the oldest is forgotten. A publish takes about 200 bytes.',
      },
      maxAge: ms(3_600_000, 'How long anything is remembered.', 1),
    },
  },
} as const satisfies OptionTable;

/** The option `journal`, where it is on. */
export type JournalOptions = Exclude<Resolved<typeof rows>['journal'], false>;

export const journalOptions = { sections: { 'Events and queues': rows } } as const;
