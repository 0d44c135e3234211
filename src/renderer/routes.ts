import { createRouter, createWebHashHistory } from 'vue-router'
import ModelsView from './views/ModelsView.vue'

/** One route a screen; hash history, because the page is loaded from a file under Electron. */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [{ path: '/', name: 'models', component: ModelsView }],
})
