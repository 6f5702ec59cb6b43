from gptlib.cli import main

main()
