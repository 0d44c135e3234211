import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './routes.ts'
import { connection } from './rpc.ts'
import { useConnection } from './stores/client.ts'
import './styles/base.css'
import './styles/popups.css'

useConnection(connection())
createApp(App).use(createPinia()).use(router).mount('#app')
