import { ipcRenderer } from 'electron'
import { PORT_CHANNEL } from '../shared/contract/channel.ts'

// The page makes a MessageChannel and posts one end to its own window; that end goes on to the main process. No logic here.
window.addEventListener('message', (event) => {
  if (event.source !== window || event.data !== PORT_CHANNEL) return
  ipcRenderer.postMessage(PORT_CHANNEL, null, [...event.ports])
})
