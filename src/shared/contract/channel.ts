/** The channel on which the preload hands one MessagePort to the main process. Alone in its file, so that the sandboxed preload stays free of libraries. */
export const PORT_CHANNEL = 'quantbench:port'
/** The name under which the desktop's preload shows what only it can do. */
export const BRIDGE = 'quantbenchDesktop'

/** What the desktop's preload offers beside the port. */
export interface DesktopBridge {
  /** the real path of a dropped or chosen file (a DOM `File`); empty for one that is not on the disk */
  readonly pathOf: (file: unknown) => string
}
