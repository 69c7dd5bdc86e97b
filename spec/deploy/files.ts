import { readFileSync } from 'node:fs';

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

/** The queries of the dashboard, by panel. */
export function queriesOfDashboard(): readonly { readonly panel: string; readonly expr: string }[] {
  const dashboard: Dashboard = JSON.parse(readFileSync('deploy/grafana/bayeuxd.json', 'utf8'));
  return dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ panel: `${title} ${legendFormat}`.trim(), expr })),
  );
}

/** The expressions of the alerts. */
export function queriesOfAlerts(): readonly string[] {
  const text = readFileSync('deploy/prometheus/alerts.yml', 'utf8');
  return Array.from(text.matchAll(/^ +expr: (.*)$/gm), ([, expr = '']) => expr);
}

/** The names of metrics in a query. */
export function metricsIn(query: string): readonly string[] {
  return query.match(/\b(bayeuxd|process|nodejs)_\w+/g) ?? [];
}
