import { contextBridge, ipcRenderer, webUtils } from 'electron'
import { BRIDGE, PORT_CHANNEL, type DesktopBridge } from '../shared/contract/channel.ts'

// The page makes a MessageChannel and posts one end to its own window; that end goes on to the main process. No logic here.
window.addEventListener('message', (event) => {
  if (event.source !== window || event.data !== PORT_CHANNEL) return
  ipcRenderer.postMessage(PORT_CHANNEL, null, [...event.ports])
})

const bridge: DesktopBridge = { pathOf: (file) => webUtils.getPathForFile(file as File) }
contextBridge.exposeInMainWorld(BRIDGE, bridge)
