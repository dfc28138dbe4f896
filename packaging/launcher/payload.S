/* The payload as read-only data of the executable: mapped, not read, and only where it is touched. */
    .section .rodata.payload, "a", @progbits
    .globl payload_inside
    .balign 4096
payload_inside:
    .incbin "payload.bin"
    .byte 0
    .section .note.GNU-stack, "", @progbits
