import {
  fitBox,
  minScale,
  mixCameras,
  openingCamera,
  panBy,
  revealBox,
  visibleBox,
  zoomAt,
  type Camera,
  type Size,
} from './camera.ts'
import { CanvasPen } from './canvas/canvas-pen.ts'
import { chipBox, createFitter } from './canvas/faces.ts'
import { looksOf, type Look } from './canvas/looks.ts'
import { levelAt, paint, type Marks, type Picture } from './canvas/paint.ts'
import { PLAIN_DECOR, type GraphDecor } from './decor.ts'
import { GRAPH_THEMES, type GraphTheme } from './palette.ts'
import { FRAME_HEAD, type Box, type Scene } from './scene/scene.ts'
import { edgeAt, indexEdges, itemAt, itemsIn, SpatialIndex } from './scene/spatial.ts'

/** What lies at a point of the screen. */
export type Hit =
  | { readonly kind: 'item'; readonly item: number; readonly part: 'card' | 'chip' }
  /** the head of an unfolded block */
  | { readonly kind: 'frame'; readonly blockId: string }
  | { readonly kind: 'edge'; readonly edge: number }
  | { readonly kind: 'nothing' }

/** Longest movement of the camera on its own; none where the system asks for none. DESIGN section 11. */
const GLIDE_MS = 140

/** How near to an edge the pointer has to be; px of the screen. */
const EDGE_REACH = 4

const NO_MARKS: Marks = { focus: -1, hovered: -1, edge: -1, found: new Set() }

interface Stand {
  readonly scene: Scene
  readonly looks: readonly Look[]
  readonly itemIndex: SpatialIndex
  readonly edgeIndex: SpatialIndex
}

/**
 * Holds a canvas, what it shows and where one looks from; paints at most once a frame, and only after a change.
 * Positions are CSS px from the canvas's corner.
 */
export class Stage {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #pen: CanvasPen
  readonly #fit: ReturnType<typeof createFitter>
  readonly #onCamera: (camera: Camera) => void
  #stand: Stand | null = null
  #decor: GraphDecor = PLAIN_DECOR
  #theme: GraphTheme = GRAPH_THEMES.light
  #marks: Marks = NO_MARKS
  #camera: Camera = { scale: 1, x: 0, y: 0 }
  #size: Size = { width: 1, height: 1 }
  #frame = 0
  #glide = 0
  /** the rubber band, in screen px */
  #band: Box | null = null

  /** @param onCamera is told after every movement, at most once a frame */
  constructor(canvas: HTMLCanvasElement, onCamera: (camera: Camera) => void) {
    const context = canvas.getContext('2d', { alpha: false })
    if (!context) throw new Error('this browser draws no 2D canvas')
    this.#canvas = canvas
    this.#context = context
    this.#pen = new CanvasPen(context)
    this.#fit = createFitter(this.#pen)
    this.#onCamera = onCamera
  }

  get camera(): Camera {
    return this.#camera
  }

  get size(): Size {
    return this.#size
  }

  get scene(): Scene | null {
    return this.#stand?.scene ?? null
  }

  get looks(): readonly Look[] {
    return this.#stand?.looks ?? []
  }

  get marks(): Marks {
    return this.#marks
  }

  /** Shows another scene; the camera stays where it is. */
  setScene(scene: Scene): void {
    this.#stand = {
      scene,
      looks: looksOf(scene.items, this.#decor, this.#theme),
      itemIndex: new SpatialIndex(scene.boxes),
      edgeIndex: indexEdges(scene),
    }
    this.#marks = NO_MARKS
    this.#request()
  }

  setDecor(decor: GraphDecor, theme: GraphTheme): void {
    const isRecoloured =
      decor.precisions !== this.#decor.precisions ||
      decor.overlay !== this.#decor.overlay ||
      decor.changed !== this.#decor.changed ||
      theme !== this.#theme
    this.#decor = decor
    this.#theme = theme
    if (this.#stand && isRecoloured) {
      this.#stand = { ...this.#stand, looks: looksOf(this.#stand.scene.items, decor, theme) }
    }
    this.#request()
  }

  setMarks(marks: Partial<Marks>): void {
    this.#marks = { ...this.#marks, ...marks }
    this.#request()
  }

  setBand(band: Box | null): void {
    this.#band = band
    this.#request()
  }

  /** What was in the middle across stays there: a list that opens beside the graph does not push it out of view. */
  resize(size: Size): void {
    const before = this.#size.width
    this.#size = { width: Math.max(1, size.width), height: Math.max(1, size.height) }
    const { scale, x, y } = this.camera
    if (this.scene && before > 1) this.moveTo({ scale, x: x + (this.#size.width - before) / 2, y }, false)
    this.#request()
  }

  /** The camera a graph is opened with. */
  open(): void {
    const { scene } = this
    if (scene) this.moveTo(openingCamera(scene, scene.boxes[0], this.#size), false)
  }

  fit(): void {
    const { scene } = this
    if (scene) this.moveTo(fitBox({ x: 0, y: 0, width: scene.width, height: scene.height }, this.#size))
  }

  pan(dx: number, dy: number): void {
    const { scene } = this
    if (scene) this.moveTo(panBy(this.#camera, dx, dy, scene, this.#size), false)
  }

  /** Zooms about a point, the middle when none is given. */
  zoom(factor: number, x = this.#size.width / 2, y = this.#size.height / 2, glides = false): void {
    const { scene } = this
    if (scene) this.moveTo(zoomAt(this.#camera, factor, x, y, minScale(scene, this.#size)), glides)
  }

  /** Shows some items as large as they fit. */
  frame(items: readonly number[]): void {
    const { scene } = this
    if (!scene || items.length === 0) return
    const boxes = items.map((item) => scene.boxes[item]!)
    const x = boxes.reduce((least, box) => Math.min(least, box.x), Infinity)
    const y = boxes.reduce((least, box) => Math.min(least, box.y), Infinity)
    const right = boxes.reduce((most, box) => Math.max(most, box.x + box.width), -Infinity)
    const bottom = boxes.reduce((most, box) => Math.max(most, box.y + box.height), -Infinity)
    this.moveTo(fitBox({ x, y, width: right - x, height: bottom - y }, this.#size))
  }

  /** Brings an item into view, at a size that can be read if asked for. */
  reveal(item: number, readable = false): void {
    const box = this.scene?.boxes[item]
    if (box) this.moveTo(revealBox(this.#camera, box, this.#size, { readable }))
  }

  /** Puts a point of the drawing into the middle. */
  centre(x: number, y: number): void {
    const { scale } = this.#camera
    this.moveTo({ scale, x: this.#size.width / 2 - x * scale, y: this.#size.height / 2 - y * scale }, false)
  }

  moveTo(camera: Camera, glides = true): void {
    cancelAnimationFrame(this.#glide)
    if (!glides || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#camera = camera
      this.#request()
      return
    }
    const from = this.#camera
    const start = performance.now()
    const step = (): void => {
      const share = Math.min(1, (performance.now() - start) / GLIDE_MS)
      this.#camera = mixCameras(from, camera, 1 - (1 - share) ** 3)
      this.#request()
      if (share < 1) this.#glide = requestAnimationFrame(step)
    }
    step()
  }

  /** A point of the drawing below a point of the screen. */
  toDrawing(x: number, y: number): { readonly x: number; readonly y: number } {
    const { scale, x: left, y: top } = this.#camera
    return { x: (x - left) / scale, y: (y - top) / scale }
  }

  hit(x: number, y: number): Hit {
    if (!this.#stand) return { kind: 'nothing' }
    const { scene, looks, itemIndex, edgeIndex } = this.#stand
    const at = this.toDrawing(x, y)
    const item = itemAt(itemIndex, at.x, at.y)
    const isNear = levelAt(this.#camera.scale) === 'near'
    if (item >= 0) {
      const chip = isNear
        ? chipBox(scene.boxes[item]!, looks[item]!, (text, style) => this.#pen.measure(text, style))
        : null
      return { kind: 'item', item, part: chip && contains(chip, at) ? 'chip' : 'card' }
    }
    const frame = isNear ? scene.frames.find((box) => contains({ ...box, height: FRAME_HEAD }, at)) : undefined
    if (frame) return { kind: 'frame', blockId: frame.block.id }
    const { scale } = this.#camera
    const edge = levelAt(scale) === 'far' ? -1 : edgeAt(scene, edgeIndex, at.x, at.y, EDGE_REACH / scale)
    return edge >= 0 ? { kind: 'edge', edge } : { kind: 'nothing' }
  }

  /** Items that a rectangle of the screen touches. */
  itemsWithin({ x, y, width, height }: Box): number[] {
    if (!this.#stand) return []
    const { scale } = this.#camera
    const area = { ...this.toDrawing(x, y), width: width / scale, height: height / scale }
    return itemsIn(this.#stand.scene, this.#stand.itemIndex, area)
  }

  /** What is on show, for exports with another pen. */
  pictureFor(pen: Picture['brush']['pen'], theme = this.#theme): Picture | null {
    if (!this.#stand) return null
    const { scene } = this.#stand
    return {
      ...this.#stand,
      looks: theme === this.#theme ? this.#stand.looks : looksOf(scene.items, this.#decor, theme),
      decor: this.#decor,
      theme,
      marks: NO_MARKS,
      brush: { pen, theme, fit: createFitter(pen) },
    }
  }

  /** Stops all movement. */
  close(): void {
    cancelAnimationFrame(this.#frame)
    cancelAnimationFrame(this.#glide)
  }

  #request(): void {
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.#paint()
      this.#onCamera(this.#camera)
    })
  }

  #paint(): void {
    const ratio = devicePixelRatio
    const { width, height } = this.#size
    if (this.#canvas.width !== Math.round(width * ratio)) this.#canvas.width = Math.round(width * ratio)
    if (this.#canvas.height !== Math.round(height * ratio)) this.#canvas.height = Math.round(height * ratio)
    const context = this.#context
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.globalAlpha = 1
    context.fillStyle = this.#theme.page
    context.fillRect(0, 0, width, height)
    if (!this.#stand) return
    const { scale, x, y } = this.#camera
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y)
    // a canvas that was resized has lost its font and baseline
    this.#pen.reset()
    const brush = { pen: this.#pen, theme: this.#theme, fit: this.#fit }
    paint(
      { ...this.#stand, decor: this.#decor, theme: this.#theme, marks: this.#marks, brush },
      this.#camera,
      this.#size,
    )
    if (this.#band) this.#paintBand(this.#band, ratio)
  }

  #paintBand(band: Box, ratio: number): void {
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0)
    this.#pen.setOpacity(0.15)
    this.#pen.rect(band, { fill: this.#theme.accent })
    this.#pen.setOpacity(1)
    this.#pen.rect(band, { stroke: this.#theme.accent })
  }

  /** What the camera sees of the drawing. */
  view(): Box {
    return visibleBox(this.#camera, this.#size)
  }
}

function contains(box: Box, { x, y }: { readonly x: number; readonly y: number }): boolean {
  return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height
}
