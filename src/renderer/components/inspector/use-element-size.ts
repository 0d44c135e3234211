import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

/** Width of an element's content in CSS px, 0 before it is there. Own drawings fill what room they have. */
export function useElementSize(element: Readonly<Ref<HTMLElement | null>>): { readonly width: Readonly<Ref<number>> } {
  const width = ref(0)
  const observer = new ResizeObserver(([entry]) => {
    width.value = Math.floor(entry!.contentRect.width)
  })
  onMounted(() => {
    if (!element.value) return
    width.value = element.value.clientWidth
    observer.observe(element.value)
  })
  onBeforeUnmount(() => observer.disconnect())
  return { width }
}
