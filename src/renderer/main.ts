import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './routes.ts'
import { connect } from './rpc.ts'
import { useClient } from './stores/client.ts'
import './styles/base.css'
import './styles/popups.css'

useClient(connect())
createApp(App).use(createPinia()).use(router).mount('#app')
