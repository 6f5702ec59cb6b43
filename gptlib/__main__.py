from gptlib.commands.main import main

main()
