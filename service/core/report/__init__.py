"""What is a report made of, before it is a file?"""
