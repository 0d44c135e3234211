/** The channel on which the preload hands one MessagePort to the main process. Alone in its file, so that the sandboxed preload stays free of libraries. */
export const PORT_CHANNEL = 'quantbench:port'
