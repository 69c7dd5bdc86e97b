/**
 * What a Redis promises of its data. `none`: the last second may be lost when its process ends. `restart`: nothing is lost by a restart.
 * `failover`: nothing is lost either when a replica takes over that confirmed it.
 */
export type Durability = 'none' | 'restart' | 'failover';
