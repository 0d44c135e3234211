import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router'
import type { IconName } from './components/ui/icons.ts'

declare module 'vue-router' {
  interface RouteMeta {
    /** in the rail and in the window's title */
    readonly title: string
    readonly icon: IconName
    /** shows a model: without one it says so and leads to the models */
    readonly needsModel?: boolean
    /** the inspector stands beside it */
    readonly inspector?: boolean
    /** at the foot of the rail */
    readonly foot?: boolean
  }
}

/** `views/GraphView.vue` is the screen `graph`; each is loaded when it is first shown. */
const pages = import.meta.glob<{ default: object }>('./views/*View.vue')

interface Screen {
  readonly name: string
  readonly meta: NonNullable<RouteRecordRaw['meta']>
}

/** In the order of the rail. */
const SCREENS: readonly Screen[] = [
  { name: 'models', meta: { title: 'Models', icon: 'models' } },
  { name: 'graph', meta: { title: 'Graph', icon: 'graph', needsModel: true, inspector: true } },
  { name: 'calibrate', meta: { title: 'Calibrate', icon: 'calibrate', needsModel: true } },
  { name: 'sensitivity', meta: { title: 'Sensitivity', icon: 'sensitivity', needsModel: true, inspector: true } },
  { name: 'search', meta: { title: 'Search', icon: 'target', needsModel: true, inspector: true } },
  { name: 'train', meta: { title: 'Train', icon: 'train' } },
  { name: 'runs', meta: { title: 'Runs', icon: 'runs' } },
  { name: 'settings', meta: { title: 'Settings', icon: 'settings', foot: true } },
]

const fileOf = (name: string): string => `./views/${name[0]!.toUpperCase()}${name.slice(1)}View.vue`

/** The screens there are, in the order of the rail. */
export const screens = SCREENS.filter(({ name }) => fileOf(name) in pages)

/** One route a screen; hash history, because the page is loaded from a file under Electron. */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    ...screens.map(({ name, meta }) => ({ path: `/${name}`, name, meta, component: pages[fileOf(name)]! })),
    { path: '/:rest(.*)*', redirect: '/models' },
  ],
})
