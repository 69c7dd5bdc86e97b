import { AllNodes } from './all-nodes.ts';
import type { ApiServer } from './api-server.ts';
import { ChannelSchemas } from './channel-schemas.ts';
import { channelsRoute } from './channels.ts';
import { deliverRoutes } from './deliver.ts';
import { explainRoutes } from './explain.ts';
import { historyRoute } from './history.ts';
import { meRoute } from './me.ts';
import { nodesRoute } from './nodes.ts';
import { presenceRoute } from './presence.ts';
import { publishRoute } from './publish.ts';
import type { Route } from './route.ts';
import { disconnectRoute, sessionRoutes } from './sessions.ts';
import { statsRoute } from './stats.ts';
import { tailRoute } from './tail.ts';
import { userRoutes } from './users.ts';

/** All routes of the API but that of its document. */
export function routesOf(server: ApiServer): readonly Route[] {
  const schemas = new ChannelSchemas(server.options);
  const nodes = new AllNodes(server);
  return [
    publishRoute(server, schemas),
    ...deliverRoutes(server, schemas, nodes),
    historyRoute(server, schemas),
    tailRoute(server, schemas),
    presenceRoute(server, schemas),
    ...explainRoutes(server, schemas, nodes),
    channelsRoute(server, schemas, nodes),
    ...sessionRoutes(server, schemas, nodes),
    disconnectRoute(server, nodes),
    ...userRoutes(server, nodes),
    statsRoute(server, nodes),
    nodesRoute(server),
    meRoute(),
  ];
}
