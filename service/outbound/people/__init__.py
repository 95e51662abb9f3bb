"""How do notes reach people: by a group's bot, by mail, as an incident, or as JSON?"""
