import { onUnmounted, ref, type Ref } from 'vue'

/**
 * Files dropped anywhere on the window. A place of its own for drops (data, for example) takes them first by `preventDefault`.
 * @returns whether files are held over the window
 */
export function useWindowDrop(onDrop: (transfer: DataTransfer) => void): Ref<boolean> {
  const over = ref(false)
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true

  function onOver(event: DragEvent): void {
    if (event.defaultPrevented || !hasFiles(event)) return
    event.preventDefault()
    event.dataTransfer!.dropEffect = 'copy'
    over.value = true
  }
  function onLeave(event: DragEvent): void {
    if (event.relatedTarget === null) over.value = false
  }
  function onDropped(event: DragEvent): void {
    over.value = false
    if (event.defaultPrevented || !hasFiles(event)) return
    // without this the browser would leave the page for the file
    event.preventDefault()
    onDrop(event.dataTransfer!)
  }

  window.addEventListener('dragover', onOver)
  window.addEventListener('dragleave', onLeave)
  window.addEventListener('drop', onDropped)
  onUnmounted(() => {
    window.removeEventListener('dragover', onOver)
    window.removeEventListener('dragleave', onLeave)
    window.removeEventListener('drop', onDropped)
  })
  return over
}
