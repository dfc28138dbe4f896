"""``python -m cred_helper`` is the executable."""

from cred_helper.cli import main

if __name__ == "__main__":
    main()
