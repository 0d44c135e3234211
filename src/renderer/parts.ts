import { defineAsyncComponent, type Component } from 'vue'

/** A tab of the dock. */
export interface DockPart {
  readonly value: string
  readonly label: string
  readonly component: Component
  /** names of the routes it belongs to; absent: all */
  readonly routes?: readonly string[]
}

/**
 * What fills the places of the window's frame. Every part finds by itself, from the stores, what it shows.
 * `inspector` is shown on routes with `meta.inspector`, `planMenu` and `bottomLine` while a model is open.
 */
export const parts: {
  readonly inspector: Component | null
  readonly planMenu: Component | null
  readonly bottomLine: Component | null
  readonly dock: readonly DockPart[]
} = {
  inspector: defineAsyncComponent(() => import('./components/inspector/InspectorPanel.vue')),
  planMenu: defineAsyncComponent(() => import('./components/plan/PlanMenu.vue')),
  bottomLine: defineAsyncComponent(() => import('./components/answer/AnswerLine.vue')),
  dock: [
    {
      value: 'sensitivity',
      label: 'Sensitivity',
      component: defineAsyncComponent(() => import('./components/sensitivity/SensitivityPanel.vue')),
      routes: ['graph', 'search'],
    },
    {
      value: 'pareto',
      label: 'Pareto',
      component: defineAsyncComponent(() => import('./components/search/ParetoPanel.vue')),
      routes: ['graph', 'sensitivity'],
    },
    {
      value: 'histograms',
      label: 'Histograms',
      component: defineAsyncComponent(() => import('./components/inspector/HistogramsPanel.vue')),
      routes: ['graph', 'sensitivity', 'search'],
    },
    {
      value: 'jobs',
      label: 'Jobs',
      component: defineAsyncComponent(() => import('./components/shell/JobsPanel.vue')),
    },
  ],
}
