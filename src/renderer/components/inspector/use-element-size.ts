import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

/** Size of an element's content in CSS px, 0 before it is there. Own drawings fill what room they have. */
export function useElementSize(element: Readonly<Ref<HTMLElement | null>>): {
  readonly width: Readonly<Ref<number>>
  readonly height: Readonly<Ref<number>>
} {
  const width = ref(0)
  const height = ref(0)
  const observer = new ResizeObserver(([entry]) => {
    width.value = Math.floor(entry!.contentRect.width)
    height.value = Math.floor(entry!.contentRect.height)
  })
  onMounted(() => {
    if (!element.value) return
    width.value = element.value.clientWidth
    height.value = element.value.clientHeight
    observer.observe(element.value)
  })
  onBeforeUnmount(() => observer.disconnect())
  return { width, height }
}
