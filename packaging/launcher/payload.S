/* The payload is read-only data of the executable: the kernel maps the pages that are read. */
    .section .rodata.payload, "a", @progbits
    .globl payload_inside
    .balign 4096
payload_inside:
    .incbin "payload.bin"
    .byte 0
    .section .note.GNU-stack, "", @progbits
