/** One box of the graph, as the inspector wants to know it. */
export interface GraphFocus {
  /** layer id, node id, `input:NAME`, `output:NAME` or `block:…` */
  readonly id: string
  readonly kind: 'layer' | 'node' | 'input' | 'output' | 'block'
  readonly layerIds: readonly string[]
  readonly nodeIds: readonly string[]
}

/** Where a menu or popover belongs: CSS px of the window. */
export interface GraphSpot {
  readonly x: number
  readonly y: number
  /** the layers it is for: the whole selection where the box below is part of it */
  readonly layerIds: readonly string[]
  readonly focus: GraphFocus | null
}

/** What the graph tells the view around it; as the events of GraphCanvas. */
export interface GraphEvents {
  select(layerIds: readonly string[]): void
  hover(layerIds: readonly string[]): void
  focus(focus: GraphFocus | null): void
  open(layerId: string): void
  toggle(layerIds: readonly string[]): void
  setBits(layerIds: readonly string[], bits: number): void
  contextmenu(spot: GraphSpot): void
  editPrecision(spot: GraphSpot): void
}
